/** Fields of a record; null for one that is empty and not quoted. */
export type CsvFields = readonly (string | null)[];

/** Whether a text ends within a quoted field, so that the record goes on in the next line. */
export function endsInQuotes(text: string): boolean {
  let quotes = 0;
  for (let at = text.indexOf('"'); at >= 0; at = text.indexOf('"', at + 1)) quotes += 1;
  return quotes % 2 === 1;
}

/** Cuts a record into its fields as RFC 4180 has it; a text says what is wrong with it. */
export function splitRecord(record: string, delimiter: string): CsvFields | string {
  const fields: (string | null)[] = [];
  let at = 0;
  for (;;) {
    if (record[at] === '"') {
      const close = closingQuote(record, at + 1);
      if (close < 0) return `Field ${fields.length + 1} has a quote that is never closed.`;
      fields.push(record.slice(at + 1, close).replaceAll('""', '"'));
      at = close + 1;
      if (at < record.length && record[at] !== delimiter) {
        return `Field ${fields.length} goes on after its closing quote.`;
      }
    } else {
      const found = record.indexOf(delimiter, at);
      const end = found < 0 ? record.length : found;
      const field = record.slice(at, end);
      if (field.includes('"')) return `Field ${fields.length + 1} has a quote within it.`;
      fields.push(field === '' ? null : field);
      at = end;
    }
    if (at >= record.length) return fields;
    at += 1;
    if (at === record.length) {
      fields.push(null);
      return fields;
    }
  }
}

function closingQuote(record: string, from: number): number {
  for (let at = record.indexOf('"', from); at >= 0; at = record.indexOf('"', at + 2)) {
    if (record[at + 1] !== '"') return at;
  }
  return -1;
}
