/**
 * Calls `then` once when this process's standard output is closed, as after `| head`. Without this, the next write would
 * end the process at once (EPIPE), before it can clean up. With it, that write and all later ones are dropped.
 */
export function whenOutputCloses(then: () => void): void {
  let isClosed = false;
  process.stdout.on("error", (error: NodeJS.ErrnoException) => {
    if (error.code !== "EPIPE") throw error;
    if (isClosed) return;
    isClosed = true;
    then();
  });
}
