import { createHash } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { type Document, parseDocument } from '../protocol/document.ts'
import { LocksmithError } from '../protocol/errors.ts'

export interface DocumentFile {
  readonly parsed: Document
  /** As it is pushed. */
  readonly text: string
  /** SHA-256 of the text's bytes, in hexadecimal. */
  readonly digest: string
}

/** The line that a device writes above a document; a file taken from one is pushed without it. */
const TOUCHED = /^# last touched by [^\n]*\n/

/**
 * Reads and checks a document before anybody is bothered with it.
 * @throws LocksmithError LK-3004, LK-3005, LK-3007 (the document), LK-6003 (the file)
 */
export function readDocument(file: string): DocumentFile {
  const text = decode(file, readBytes(file)).replace(TOUCHED, '')
  const parsed = parseDocument(text)
  return { parsed, text, digest: createHash('sha256').update(text).digest('hex') }
}

function readBytes(file: string): Uint8Array {
  try {
    return readFileSync(file)
  } catch (error) {
    throw new LocksmithError(
      'LK-6003',
      `${file} cannot be read: ${(error as Error).message}`,
      'Name a TOML file'
    )
  }
}

function decode(file: string, bytes: Uint8Array): string {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes)
  } catch {
    throw new LocksmithError('LK-3004', `${file} is not UTF-8 text`)
  }
}
