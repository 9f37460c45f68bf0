import { createCipheriv, createDecipheriv, randomBytes } from 'node:crypto';
import { AsofError } from './errors.ts';

const MARK = 'sealed1.';
const IV_BYTES = 12;
const TAG_BYTES = 16;

/** Whether a text is what `seal` gives. */
export function isSealed(text: string): boolean {
  return text.startsWith(MARK);
}

/** AES-256-GCM under a random nonce, as text; `context` must be the same to open it. */
export function seal(key: Uint8Array, bytes: Uint8Array, context: string): string {
  const iv = randomBytes(IV_BYTES);
  const cipher = createCipheriv('aes-256-gcm', key, iv);
  cipher.setAAD(Buffer.from(context));
  const sealed = Buffer.concat([iv, cipher.update(bytes), cipher.final(), cipher.getAuthTag()]);
  return MARK + sealed.toString('base64url');
}

/** @throws AsofError `token_key_wrong` for what was sealed with another key, or was altered */
export function openSealed(key: Uint8Array, sealed: string, context: string): Uint8Array {
  const bytes = Buffer.from(sealed.slice(MARK.length), 'base64url');
  try {
    const decipher = createDecipheriv('aes-256-gcm', key, bytes.subarray(0, IV_BYTES));
    decipher.setAAD(Buffer.from(context));
    decipher.setAuthTag(bytes.subarray(-TAG_BYTES));
    const open = decipher.update(bytes.subarray(IV_BYTES, -TAG_BYTES));
    return new Uint8Array(Buffer.concat([open, decipher.final()]));
  } catch (cause) {
    throw new AsofError('token_key_wrong', 'Encrypted text cannot be opened with this key.', {
      cause,
    });
  }
}
