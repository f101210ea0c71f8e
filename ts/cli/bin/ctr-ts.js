#!/usr/bin/env node
// The entry of the npm package. This file must parse on every Node that npm may start it with
// (12 and later): no newer syntax here, and nothing else is loaded before the checks have passed.

var needed = [22, 18];
var found = process.versions.node.split('.').map(Number);
var recent = found[0] > needed[0] || (found[0] === needed[0] && found[1] >= needed[1]);

function refuse(line) {
  process.stderr.write('ctr-ts: ' + line + '\n');
  process.exitCode = 1;
}

if (process.platform !== 'linux') {
  refuse(
    'containers need Linux, found ' +
      process.platform +
      '; next: run it in a Linux virtual machine (on Windows: wsl --install, on macOS: limactl start)',
  );
} else if (!recent) {
  // npx puts this Node first on the PATH for one command; it needs no install script and no root.
  refuse(
    'found Node ' +
      process.versions.node +
      ', needs Node ' +
      needed.join('.') +
      ' or newer; next: npx --yes -p node-linux-' +
      process.arch +
      '@24 ctr-ts ' +
      (process.argv[2] || ''),
  );
} else {
  import('../dist/main.js')
    .then(function start(loaded) {
      return loaded.main(process.argv.slice(2));
    })
    .catch(function fail(error) {
      process.stderr.write('ctr-ts: cannot start: ' + (error && error.message) + '\n');
      process.exitCode = 125;
    });
}
