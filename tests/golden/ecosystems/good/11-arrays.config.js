module.exports = [
  { name: 'first', script: 'app.js', args: ['--name', 'two words', '7'], node_args: ['--max-old-space-size=512'] },
  { name: 'second', script: 'app.js', nodeArgs: '--inspect' },
];
