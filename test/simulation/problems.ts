/** What a run has found wrong; the first one ends it. */
export class Problems {
  readonly found: string[] = [];

  get any(): boolean {
    return this.found.length > 0;
  }

  report(problem: string): void {
    this.found.push(problem);
  }
}
