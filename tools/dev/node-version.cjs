/**
 * Run by npm when it installs this package. It must itself run on any Node, however old: hence CommonJS and no syntax
 * newer than 2015.
 */
const OLDEST = 20; // as `engines` in package.json says

const version = process.versions.node;
if (Number(version.split(".")[0]) < OLDEST) {
  console.error(
    `Prompt Manager needs Node ${OLDEST} or newer, and this is Node ${version}. See https://nodejs.org.`,
  );
  process.exitCode = 1;
}
