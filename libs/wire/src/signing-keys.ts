/** What the keys of documents are called, as the JWT service that signs and the callback that verifies agree. */
import { setting, text } from '@pallas/config'

/** Setting of both; the names are the original's. */
export const signingKeySetting = {
  secretName: setting(text, {
    env: 'SECRET_PREFIX',
    default: 'athenz-init-secret',
    doc: 'What the names of signing keys begin with.',
  }),
}

/** For `check` of both: a name that cannot begin a file's is a problem. */
export const secretNameProblems = (secretName: string): readonly string[] =>
  /^[A-Za-z0-9][A-Za-z0-9._-]*$/.test(secretName) ? [] : ['--secret-name must be part of a file name']
