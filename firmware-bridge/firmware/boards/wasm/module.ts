/** The exports of firmware.wasm, as board.c declares them. */
export interface FirmwareExports {
  readonly memory: { readonly buffer: ArrayBuffer }
  init(): void
  poll(nowMs: number): void
  receive(byte: number): void
  takeOutput(): number
  /** 1 while a storage job is under way. */
  writing(): number
  storageBytes(): number
  storageAt(): number
  outputAt(): number
  traceAt(): number
}

/** What this project needs of the WebAssembly that every JavaScript engine has; Node's types leave it out. */
interface WebAssemblyFace {
  readonly Module: new (bytes: Uint8Array) => object
  readonly Instance: new (module: object) => { readonly exports: object }
}

const { WebAssembly } = globalThis as unknown as { readonly WebAssembly: WebAssemblyFace }

/** A chip made from an image: nothing has run on it yet. Throws WebAssembly.CompileError when the bytes are no image. */
export function instantiate(image: Uint8Array): FirmwareExports {
  return new WebAssembly.Instance(new WebAssembly.Module(image)).exports as FirmwareExports
}
