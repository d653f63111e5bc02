/** How to read the firmware's state out of its RAM. */
export interface TraceFormat {
  readonly address: number
  readonly length: number
  /** False while the firmware is changing it. */
  consistent(bytes: Uint8Array): boolean
  /** True when something other than time and motion of the axis has changed. */
  differs(one: Uint8Array, other: Uint8Array): boolean
  /** The line of the trace, as documented for `board --trace`. */
  decode(bytes: Uint8Array): object
}
