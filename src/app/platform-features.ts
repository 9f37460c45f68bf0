import { systemClock } from '../base/clock.ts';
import { FeatureServer } from '../serve/feature-server.ts';
import { MemoryTileStore } from '../store/memory-tile-store.ts';
import type { Config } from './config.ts';
import { NOTHING, type Parts } from './platform-parts.ts';

/** The read path of a platform, before anything is defined. */
export function platformFeatures(config: Config, parts: Parts): FeatureServer {
  return new FeatureServer({
    plan: NOTHING,
    store: new MemoryTileStore(),
    clock: systemClock,
    clockMode: config.clock,
    serveLog: parts.serveLog,
    shadow: parts.shadows.reader,
    functions: parts.functions.answers,
    tokenizer: () => parts.tokens.tokenizer,
  });
}
