import pc from 'picocolors';

type Colors = ReturnType<typeof pc.createColors>;

/** Colours belong on a terminal: never into a file, a pipe or the log of a build. */
function colorsOf(stream: NodeJS.WriteStream): Colors {
  const { NO_COLOR, FORCE_COLOR, TERM } = process.env;
  const forced = FORCE_COLOR !== undefined && FORCE_COLOR !== '' && FORCE_COLOR !== '0';
  const refused = (NO_COLOR !== undefined && NO_COLOR !== '') || TERM === 'dumb';
  return pc.createColors(forced || (stream.isTTY === true && !refused));
}

/** Of standard output. */
export const colors = colorsOf(process.stdout);

/** Of standard error, which may be another thing. */
export const errorColors = colorsOf(process.stderr);
