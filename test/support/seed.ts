/** The seed of a fuzz test: fixed, so that a run can be repeated, unless FUZZ_SEED names another. Printed by the test. */
export function fuzzSeed(): number {
  return Number(process.env.FUZZ_SEED ?? 20_261_124)
}
