import assert from 'node:assert/strict';
import { test } from 'node:test';
import { AsofError } from '../base/errors.ts';
import { postgresError } from './database-errors.ts';

const HOST = 'db.example:5432/features';

function said(message: string, code?: string): AsofError {
  const cause = Object.assign(new Error(message), code === undefined ? {} : { code });
  Object.assign(cause, { connectionString: 'postgres://asof:hush@db.example' });
  const error = postgresError(cause, HOST);
  assert.ok(error instanceof AsofError, `${code}: ${message} stays what it is`);
  assert.doesNotMatch(JSON.stringify([error, error.cause]) + String(error), /hush/);
  assert.ok(error.message.includes(HOST), error.message);
  return error;
}

test('what has to be mended before PostgreSQL can be used, with what to do', () => {
  const cases: readonly (readonly [string, string | undefined, RegExp])[] = [
    ['password authentication failed for user "asof"', '28P01', /user, password/],
    ['database "features" does not exist', '3D000', /user, password/],
    ['SASL: SCRAM-SERVER-FIRST-MESSAGE: client password must be a string', undefined, /password/],
    ['permission denied for database features', '42501', /right to create the schema/],
    ['no schema has been selected to create in', '3F000', /right to create the schema/],
    ['The server does not support SSL connections', undefined, /`sslmode`/],
    ['self-signed certificate', 'DEPTH_ZERO_SELF_SIGNED_CERT', /`sslmode`/],
    ['unable to verify the first certificate', 'UNABLE_TO_VERIFY_LEAF_SIGNATURE', /`sslmode`/],
    ["Hostname/IP does not match certificate's altnames", 'ERR_TLS_CERT_ALTNAME_INVALID', /`ssl/],
    ["ENOENT: no such file or directory, open '/etc/ca.pem'", 'ENOENT', /certificates/],
  ];
  for (const [message, code, remedy] of cases) {
    const error = said(message, code);
    assert.equal(error.code, 'registry_away', message);
    assert.match(error.remedy ?? '', remedy, message);
  }
});

test('what may be over a while later is a registry that is away', () => {
  for (const [message, code] of [
    ['connect ECONNREFUSED 127.0.0.1:5432', 'ECONNREFUSED'],
    ['connect ENOENT /run/postgresql/.s.PGSQL.5432', 'ENOENT'],
    ['the database system is starting up', '57P03'],
    ['sorry, too many clients already', '53300'],
    ['canceling statement due to statement timeout', '57014'],
    ['cannot execute INSERT in a read-only transaction', '25006'],
    ['could not read block 7', '58030'],
    ['Query read timeout', undefined],
    ['Connection terminated unexpectedly', undefined],
  ] as const) {
    const error = said(message, code);
    assert.equal(error.code, 'registry_away', message);
    assert.match(error.message, /does not answer/, message);
  }
});

test('a full disk and damage are told from that, and a mistake of ours stays one', () => {
  assert.equal(said('could not extend file', '53100').code, 'disk_full');
  assert.equal(said('invalid page in block 3', 'XX001').code, 'registry_damaged');
  const mistake = Object.assign(new Error('column "x" does not exist'), { code: '42703' });
  assert.equal(postgresError(mistake, HOST), mistake);
});
