import { SetSlots } from './set-slots.ts';
import { StringSlots } from './string-slots.ts';

/** All that the words of one table's tiles refer to by number. */
export class TileSlots {
  readonly texts = new StringSlots();
  readonly sets = new SetSlots();
}
