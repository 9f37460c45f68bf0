/** Lets whatever else is ready run first: a turn of the event loop. */
export type Turn = () => Promise<void>;

export const nextTurn: Turn = () => new Promise((resolve) => setImmediate(resolve));

/** Waits; the promise fails with the signal's reason when that fires first. */
export type Pause = (durationMs: number, signal?: AbortSignal) => Promise<void>;

export const pause: Pause = (durationMs, signal) =>
  new Promise((resolve, reject) => {
    const stop = (): void => {
      clearTimeout(timer);
      reject(signal?.reason);
    };
    const timer = setTimeout(() => {
      signal?.removeEventListener('abort', stop);
      resolve();
    }, durationMs);
    if (signal?.aborted === true) stop();
    else signal?.addEventListener('abort', stop, { once: true });
  });
