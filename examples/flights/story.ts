import pc from 'picocolors';

const WIDTH = 92;
const BAR = 44;

/** What the demo says on the terminal; silent with `--json`. */
export class Story {
  readonly #quiet: boolean;

  constructor(quiet: boolean) {
    this.#quiet = quiet;
  }

  say(text = ''): void {
    if (!this.#quiet) process.stdout.write(`${text}\n`);
  }

  chapter(number: number, title: string): void {
    this.say();
    this.say(pc.bold(pc.cyan(`${number}  ${title}`)));
  }

  /** A paragraph, wrapped. */
  tell(text: string): void {
    let line = '  ';
    for (const word of text.split(/\s+/)) {
      if (line.length + word.length > WIDTH) {
        this.say(line);
        line = '  ';
      }
      line += `${word} `;
    }
    this.say(line.trimEnd());
  }

  fact(label: string, value: string): void {
    this.say(`  ${pc.dim(label.padEnd(34))} ${pc.bold(value)}`);
  }

  /** A labelled bar of an AUC, from a coin (0.5) to an oracle (1). */
  auc(label: string, value: number, paint: (text: string) => string): void {
    const full = Math.max(0, Math.round(((value - 0.5) / 0.5) * BAR));
    const bar = `${paint('█'.repeat(full))}${pc.dim('·'.repeat(BAR - full))}`;
    this.say(`  ${label.padEnd(34)} ${bar} ${pc.bold(value.toFixed(3))}`);
  }

  progress(label: string, done: number, total: number, note: string): void {
    if (this.#quiet || process.stdout.isTTY !== true) return;
    const full = Math.round((done / total) * 30);
    const bar = `${pc.cyan('█'.repeat(full))}${pc.dim('░'.repeat(30 - full))}`;
    process.stdout.write(`\r\x1b[2K  ${label} ${bar} ${note}`);
    if (done >= total) process.stdout.write('\r\x1b[2K');
  }
}

export function grouped(value: number): string {
  return Math.round(value).toLocaleString('en-US').replaceAll(',', ' ');
}
