/**
 * How long one wait of a test may last before it counts as a hang, in milliseconds. It is no statement about speed: on an
 * idle machine every wait ends within a few seconds.
 */
export const HANG_LIMIT_MS = 60_000;
