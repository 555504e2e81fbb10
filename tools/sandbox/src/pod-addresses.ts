/** Where the range of a sandbox begins is drawn, so that several may run at the same time. */
const FIRST_NET = 64
const NETS = 62
const BLOCKS = NETS * 256

/** Addresses of the loopback network that really answer, each different; `random` in [0, 1). */
export function podAddresses(random: number): () => string {
  let block = Math.floor(random * BLOCKS)
  let last = 1
  return () => {
    last++
    if (last > 254) {
      last = 2
      block = (block + 1) % BLOCKS
    }
    return `127.${FIRST_NET + (block >> 8)}.${block & 255}.${last}`
  }
}
