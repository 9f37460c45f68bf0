import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { compatibilityPage } from './compatibility-page.ts';
import { errorsPage } from './errors-page.ts';

const docs = join(import.meta.dirname, '..', 'docs');
writeFileSync(join(docs, 'ERRORS.md'), errorsPage());
writeFileSync(join(docs, 'compatibility.md'), compatibilityPage());
