import type { Logger } from '../base/logger.ts';

/** Takes every step, one after another: what fails must not keep the others from ending. */
export async function endInOrder(steps: readonly (() => unknown)[], logger: Logger): Promise<void> {
  for (const step of steps) {
    try {
      await step();
    } catch (error) {
      logger.error({ error: String(error) }, 'not saved at the end; the log has every event');
    }
  }
}
