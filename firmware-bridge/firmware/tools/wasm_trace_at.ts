/** Prints the address of `fw_trace` in the memory of a WebAssembly image. Argument: the image. */
import { readFileSync } from 'node:fs'
import { instantiate } from '../boards/wasm/module.ts'

process.stdout.write(String(instantiate(readFileSync(process.argv[2] ?? '')).traceAt()))
