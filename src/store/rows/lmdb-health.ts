import {
  closeSync,
  fstatSync,
  openSync,
  readFileSync,
  readSync,
  rmSync,
  writeFileSync,
} from 'node:fs';

const MAGIC = 0xbeefc0de;
/** Of a page with meta data, behind its header: where the magic number, page size, ... lie. */
const MAGIC_AT = 24;
const PAGE_SIZE_AT = 48;
const LAST_PAGE_AT = 144;
const TRANSACTION_AT = 152;
const META_BYTES = 160;
/** The last pages of a file may have been given up before they were written. */
const SLACK_PAGES = 256;
/** Ends in a row without a close, after which a file is taken for damaged. */
const UNCLEAN_MAX = 3;

/**
 * Why a file must not be mapped, or null: LMDB believes what its first two pages say, and a process
 * that maps a file that lies, or is cut off, ends by a signal.
 */
export function whyNotMapped(path: string): string | null {
  let file: number;
  try {
    file = openSync(path, 'r');
  } catch {
    return null;
  }
  try {
    const { size } = fstatSync(file);
    return size === 0 ? null : badMeta(file, size);
  } finally {
    closeSync(file);
  }
}

function badMeta(file: number, size: number): string | null {
  const first = readMeta(file, 0);
  if (first === null) return 'its first page is damaged';
  const second = readMeta(file, first.pageSize);
  if (second === null || second.pageSize !== first.pageSize) return 'its second page is damaged';
  const { lastPage } = second.transaction > first.transaction ? second : first;
  const needed = (lastPage + 1 - SLACK_PAGES) * first.pageSize;
  return size < Math.max(needed, 2 * first.pageSize) ? 'its end is missing' : null;
}

function readMeta(file: number, at: number) {
  const bytes = Buffer.alloc(META_BYTES);
  if (readSync(file, bytes, 0, META_BYTES, at) < META_BYTES) return null;
  const pageSize = bytes.readUInt32LE(PAGE_SIZE_AT);
  const isSize = pageSize >= 512 && pageSize <= 0x10000 && (pageSize & (pageSize - 1)) === 0;
  if (bytes.readUInt32LE(MAGIC_AT) !== MAGIC || !isSize) return null;
  const transaction = Number(bytes.readBigUInt64LE(TRANSACTION_AT));
  return { pageSize, lastPage: Number(bytes.readBigUInt64LE(LAST_PAGE_AT)), transaction };
}

/**
 * Counts how often a publisher ended without closing the file, next to it: what is damaged deeper
 * ends a process when it is read, and would do so at every start.
 */
export class UncleanEnds {
  readonly #path: string;

  constructor(path: string) {
    this.#path = path;
  }

  /** Whether the file has to go. */
  begin(): boolean {
    const { ends, process: opener } = this.#read();
    const isOurs = openHere.has(this.#path);
    openHere.add(this.#path);
    // It is open somewhere: nobody ended.
    if (opener === process.pid ? isOurs : isAlive(opener)) return false;
    const isTooMany = ends >= UNCLEAN_MAX;
    writeFileSync(this.#path, `${isTooMany ? 1 : ends + 1} ${process.pid}`);
    return isTooMany;
  }

  end(): void {
    openHere.delete(this.#path);
    rmSync(this.#path, { force: true });
  }

  #read(): { ends: number; process: number } {
    try {
      const [ends, opener] = readFileSync(this.#path, 'utf8').split(' ').map(Number);
      return { ends: ends || 0, process: opener || 0 };
    } catch {
      return { ends: 0, process: 0 };
    }
  }
}

/** Of this process. In a container the one before had the same number, so that alone says nothing. */
const openHere = new Set<string>();

function isAlive(id: number): boolean {
  if (id <= 0) return false;
  try {
    process.kill(id, 0);
    return true;
  } catch {
    return false;
  }
}
