module.exports = {
  apps: [
    {
      name: 'express',
      script: './bin/www.js',
      instances: 1,
      exec_mode: 'fork',
      autorestart: true,
      max_restarts: 10,
      min_uptime: '5s',
      restart_delay: 4000,
      listen_timeout: 8000,
      env: { NODE_ENV: 'production', OPTIONS: { a: 1, b: [true, null] } },
    },
  ],
};
