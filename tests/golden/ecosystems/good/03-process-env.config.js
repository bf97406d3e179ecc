const port = Number(process.env.BASE_PORT || 4000);
module.exports = {
  apps: ['blue', 'green'].map((name, i) => ({
    name: `web-${name}`,
    script: 'app.js',
    args: `--port ${port + i}`,
    env: { COLOUR: name, REGION: process.env.REGION },
  })),
};
