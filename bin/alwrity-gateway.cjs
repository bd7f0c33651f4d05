#!/usr/bin/env node
'use strict';
// Old syntax on purpose: this file must run, and explain itself, on any Node a user may have.
var wanted = [24, 15];
var parts = process.versions.node.split('.').map(Number);
if (parts[0] < wanted[0] || (parts[0] === wanted[0] && parts[1] < wanted[1])) {
  process.stderr.write(
    'alwrity-gateway needs Node ' + wanted.join('.') + ' or newer; this is Node ' + process.versions.node +
      '. Install it from https://nodejs.org, or run: npx -p node@24 -p alwrity-gateway alwrity-gateway\n',
  );
  process.exit(1);
}
import('../dist/cli/main.js').catch(function (error) {
  process.stderr.write(String(error && error.stack ? error.stack : error) + '\n');
  process.exit(1);
});
