import { jsonScalar } from '../schema/json.ts';
import type { FeatureValue, Scalar } from '../schema/types.ts';
import type { AnswerRow } from './answer-row.ts';
import { asciiText, compileValueText, memberPrefix } from './ascii-json.ts';
import type { ReadPlan } from './read-plan.ts';
import { STATUS_BY_CODE } from './status-codes.ts';

/** A part of the text of a row, made of what stands in the row. */
export interface RowPart {
  /** Whose answer decides all of the text, so that it may be kept with it; -1: nobody's. */
  readonly entity: number;
  /** Most entities have one of a few texts, as of statuses: each is kept once for all of them. */
  readonly isShared: boolean;
  readonly write: (row: AnswerRow) => string;
}

const NOBODY = -1;

/**
 * The text of a row, `{"key":{…},"values":{…},"statuses":{…}}`, in as few parts as there are changes
 * of what decides the text: of a service of one entity there are two.
 */
export function compileRowParts(plan: ReadPlan): RowPart[] {
  const { outputs } = plan;
  const owners = outputs.map(({ slot }) =>
    plan.entities.findIndex((one) => slot >= one.fromSlot && slot < one.toSlot),
  );
  const parts: RowPart[] = [
    ...keyParts(plan),
    ...outputs.map(({ name, slot, type }, at): RowPart => {
      const lead = `${at === 0 ? '},"values":{' : ''}${memberPrefix(name, at)}`;
      const text = compileValueText(type);
      const entity = owners[at] as number;
      return {
        entity,
        isShared: false,
        write: ({ values }) => lead + text(values[slot] as FeatureValue),
      };
    }),
    ...outputs.map(({ name, slot }, at): RowPart => {
      const lead = `${at === 0 ? '},"statuses":{' : ''}${memberPrefix(name, at)}`;
      const texts = STATUS_BY_CODE.map((status) => `${lead}"${status}"`);
      const entity = owners[at] as number;
      return {
        entity,
        isShared: true,
        write: ({ statuses }) => texts[statuses[slot] as number] as string,
      };
    }),
  ];
  if (outputs.length === 0)
    parts.push({ entity: NOBODY, isShared: false, write: () => '},"values":{},"statuses":{' });
  return merged(parts);
}

function keyParts(plan: ReadPlan): RowPart[] {
  const { joinKeys } = plan.service;
  return joinKeys.map(({ name, type }, at): RowPart => {
    const lead = `${at === 0 ? '{"key":{' : ''}${memberPrefix(name, at)}`;
    // Where the state knows tokens, no id of a person is kept for another request.
    const isKept = plan.tokenizer === null;
    const entity = plan.entities.findIndex(({ keyIndexes }) => keyIndexes.includes(at));
    return {
      entity: isKept ? entity : NOBODY,
      isShared: false,
      write: ({ given }) => lead + asciiText(jsonScalar(given[at] as Scalar, type)),
    };
  });
}

/** Neighbours of one owner are one part; the last one closes the row. */
function merged(parts: readonly RowPart[]): RowPart[] {
  const runs: { entity: number; isShared: boolean; writers: RowPart['write'][] }[] = [];
  for (const { entity, isShared, write } of parts) {
    const last = runs.at(-1);
    if (last?.entity === entity && last.isShared === isShared) last.writers.push(write);
    else runs.push({ entity, isShared, writers: [write] });
  }
  runs.at(-1)?.writers.push(() => '}}');
  return runs.map(({ entity, isShared, writers }) => ({
    entity,
    isShared,
    write: (row) => {
      let text = '';
      for (let i = 0; i < writers.length; i++) text += (writers[i] as RowPart['write'])(row);
      return text;
    },
  }));
}
