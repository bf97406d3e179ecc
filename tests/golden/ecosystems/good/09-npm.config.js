module.exports = { apps: [{ name: 'npm-app', script: 'npm', args: 'run start:prod', cwd: './dist' }] };
