module.exports = { apps: [{ name: 'line', cmd: 'cd dist && exec ./serve --root "$HOME"', autorestart: false }] };
