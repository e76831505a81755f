/** Ends a command that did its work and told of a bad finding: with an exit code, and no further message. */
export class Verdict extends Error {
  readonly exitCode: number;

  constructor(exitCode: number) {
    super(`exit code ${exitCode}`);
    this.exitCode = exitCode;
  }
}
