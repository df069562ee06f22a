/**
 * Calls `then` once when nobody reads this process's standard output any more, as after `| head`. Without it the next
 * write ends the process at once (EPIPE), whatever it still has to tidy up; with it that write, and all after it, go
 * nowhere.
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
