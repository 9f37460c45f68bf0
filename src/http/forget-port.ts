import type { Viewer } from '../registry/access/viewer.ts';

/** Removes people; each run by its id. */
export interface ForgetPort {
  /** Begins a run, and answers its id at once. @throws AsofError `usage`, `unknown_name` */
  begin(request: ForgetBody, viewer: Viewer): Promise<string>;
  /** How far a run is, or its record. @throws AsofError `unknown_name`, or why it failed */
  look(
    id: string,
    viewer: Viewer,
  ): Promise<{ readonly record: object | null; readonly progress: object | null }>;
}

export interface ForgetBody {
  /** Each as a line of a file of subjects would have it. */
  readonly subjects: readonly unknown[];
  /** `source.column` that hold the entity's key although no view says so. */
  readonly columns: readonly string[];
  readonly requestId: string | null;
  readonly reason: string | null;
  readonly block: boolean;
  readonly shared: 'keep' | 'remove';
  readonly graceMs: number;
}
