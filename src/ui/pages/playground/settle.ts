/** How long nothing is typed before the hub is asked; the rest of the 150 ms until the output is there is for the answer. */
export const SETTLE_MS = 50
