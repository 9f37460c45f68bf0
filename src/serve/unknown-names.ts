import { AsofError } from '../base/errors.ts';
import { didYouMean } from '../base/suggest.ts';
import type { ServingRefusal } from '../registry/serving-states.ts';
import { namespaceOf } from '../schema/types.ts';

/** @param known names to suggest from: those that whoever asks may know of */
export function unknownService(name: string, known: Iterable<string>): AsofError {
  const hint = didYouMean(name, known);
  return new AsofError('unknown_service', `There is no service '${name}'.${hint}`, {
    path: 'service',
  });
}

/** @param title `name@version` */
export function unknownModel(title: string, known: Iterable<string>): AsofError {
  const hint = didYouMean(title, known);
  return new AsofError('unknown_model', `There is no model '${title}'.${hint}`, {
    path: 'model',
    remedy: 'Write it as name@version, as it is registered by model() and `asof apply`.',
  });
}

/**
 * The same for names that do not exist and those that nobody may know of, so suggestions are only of
 * the namespace that was asked for.
 */
export function unknownView(name: string, known: Iterable<string>, path: string): AsofError {
  const own = [...new Set(known)].filter((one) => namespaceOf(one) === namespaceOf(name));
  const hint = didYouMean(name, own);
  return new AsofError('unknown_view', `There is no view '${name}'.${hint}`, { path });
}

/** A version that is there, and answers nobody. */
export function notActive({ message, remedy }: ServingRefusal): AsofError {
  return new AsofError('not_active', message, { path: 'version', remedy });
}
