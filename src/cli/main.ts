#!/usr/bin/env node
/** The command line. Commands are loaded when they are called, so that `--help` stays quick. */
const major = Number(process.versions.node.split('.')[0]);
if (major < 24) {
  process.stderr.write(
    `asof needs Node 24 or newer; this is ${process.version}.\n` +
      '  → `npm i -D node@24` gives a project its own; then use `npx asof` or `npm run`.\n',
  );
  process.exit(2);
}
// Whoever reads the output may stop early, as `| head` does; that is no failure.
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  if (error.code !== 'EPIPE') throw error;
  process.exit(0);
});
const { main } = await import('./program.ts');
process.exitCode = await main(process.argv.slice(2));
