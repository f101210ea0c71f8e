/*
 * The way into every npm script: obtains a Node that runs TypeScript, installs node_modules when
 * the lock changed, and hands over to src/main.ts. Old syntax throughout, because this file is
 * what an older Node sees first. It decides nothing else.
 */
'use strict';

var childProcess = require('child_process');
var crypto = require('crypto');
var fs = require('fs');
var path = require('path');

var root = path.resolve(__dirname, '..', '..');
var nodePackage = 'node-linux-' + process.arch;

function fail(message, hint) {
  process.stderr.write('error: ' + message + '\n' + (hint ? 'hint: ' + hint + '\n' : ''));
  process.exit(1);
}

/** TypeScript runs unflagged from 22.18 on. */
function isNewEnough(version) {
  var parts = version.replace(/^v/, '').split('.');
  var major = Number(parts[0]);
  return major > 22 || (major === 22 && Number(parts[1]) >= 18);
}

/** npm's own script, so that it can be run on another Node than the one it was started by. */
function npmScript() {
  var named = process.env.npm_execpath;
  if (named && /npm-cli\.c?js$/.test(named) && fs.existsSync(named)) return named;
  var folders = (process.env.PATH || '').split(path.delimiter);
  for (var i = 0; i < folders.length; i += 1) {
    var candidate = path.join(folders[i], 'npm');
    if (!fs.existsSync(candidate)) continue;
    var real = fs.realpathSync(candidate);
    if (/\.c?js$/.test(real)) return real;
    var beside = path.join(path.dirname(real), '../lib/node_modules/npm/bin/npm-cli.js');
    if (fs.existsSync(beside)) return beside;
  }
  return fail('npm not found', 'install Node.js 20 or newer with npm');
}

function environmentOf(node) {
  var environment = Object.assign({}, process.env);
  environment.PATH = path.dirname(node) + path.delimiter + (process.env.PATH || '');
  return environment;
}

function runNpm(node, args, cwd) {
  var result = childProcess.spawnSync(node, [npmScript()].concat(args), {
    cwd: cwd,
    env: environmentOf(node),
    stdio: ['ignore', 2, 2],
  });
  if (result.status !== 0) {
    fail(
      'npm ' + args.join(' ') + ' failed in ' + cwd,
      'see the lines above; then run the same command again',
    );
  }
}

function digestOf(file) {
  return crypto.createHash('sha256').update(fs.readFileSync(file)).digest('hex');
}

function readIfPresent(file) {
  return fs.existsSync(file) ? fs.readFileSync(file, 'utf8') : '';
}

/**
 * A Node for the installation itself. npm on an older Node leaves out optional packages whose
 * `engines` exclude it, so the newer Node must exist before `npm ci` runs. Version and hash are
 * those of the repository's own lock.
 */
function fetchNode() {
  var home = path.join(root, 'build', 'node');
  var lock = JSON.parse(fs.readFileSync(path.join(root, 'package-lock.json'), 'utf8'));
  var entry = lock.packages['node_modules/' + nodePackage];
  if (!entry)
    fail('no ' + nodePackage + ' in package-lock.json', 'run with Node.js 24 on this architecture');
  var node = path.join(home, 'node_modules', nodePackage, 'bin', 'node');
  var stamp = path.join(home, 'version');
  if (fs.existsSync(node) && readIfPresent(stamp) === entry.version) return node;

  process.stderr.write('setup: Node ' + entry.version + ' into build/node\n');
  fs.mkdirSync(home, { recursive: true });
  var dependencies = {};
  dependencies[nodePackage] = entry.version;
  var manifest = { name: 'node', version: '0.0.0', private: true, dependencies: dependencies };
  var packages = {};
  packages[''] = { name: 'node', version: '0.0.0', dependencies: dependencies };
  packages['node_modules/' + nodePackage] = Object.assign({}, entry, { optional: false });
  fs.writeFileSync(path.join(home, 'package.json'), JSON.stringify(manifest));
  fs.writeFileSync(
    path.join(home, 'package-lock.json'),
    JSON.stringify({
      name: 'node',
      version: '0.0.0',
      lockfileVersion: 3,
      requires: true,
      packages: packages,
    }),
  );
  runNpm(
    process.execPath,
    ['ci', '--prefix', home, '--ignore-scripts', '--no-audit', '--no-fund'],
    home,
  );
  if (!fs.existsSync(node))
    fail(nodePackage + ' holds no bin/node', 'delete build/node and try again');
  fs.writeFileSync(stamp, entry.version);
  return node;
}

function installDependencies(node) {
  var modules = path.join(root, 'node_modules');
  var stamp = path.join(modules, '.ctr-ts-lock');
  var wanted = digestOf(path.join(root, 'package-lock.json'));
  if (readIfPresent(stamp) === wanted) return;
  process.stderr.write('setup: npm ci\n');
  runNpm(node, ['ci', '--ignore-scripts', '--no-audit', '--no-fund'], root);
  fs.writeFileSync(stamp, wanted);
}

function handOver(node, args) {
  var child = childProcess.spawn(
    node,
    ['--disable-warning=ExperimentalWarning', path.join(__dirname, 'src', 'main.ts')].concat(args),
    { cwd: root, env: environmentOf(node), stdio: 'inherit' },
  );
  ['SIGINT', 'SIGTERM', 'SIGHUP'].forEach(function (name) {
    process.on(name, function () {
      child.kill(name);
    });
  });
  child.on('error', function (error) {
    fail('cannot start ' + node + ': ' + error.message);
  });
  child.on('exit', function (code, signal) {
    process.exit(signal ? 1 : code);
  });
}

if (process.platform !== 'linux')
  fail('ctr-ts is built on Linux', 'use a Linux machine or a virtual machine');
var installer = isNewEnough(process.version) ? process.execPath : fetchNode();
installDependencies(installer);
var own = path.join(root, 'node_modules', nodePackage, 'bin', 'node');
handOver(fs.existsSync(own) ? own : installer, process.argv.slice(2));
