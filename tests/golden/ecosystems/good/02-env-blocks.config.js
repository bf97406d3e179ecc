// As `pm2 init` writes it.
module.exports = {
  apps: [{
    name: "api",
    script: "server.js",
    instances: 2,
    autorestart: true,
    env: { NODE_ENV: "development", PORT: 3000 },
    env_production: { NODE_ENV: "production" },
    env_staging: { NODE_ENV: "staging", DEBUG: true },
  }],
  deploy: { production: { user: "node", host: "10.0.0.1", ref: "origin/main", repo: "git@example.org:x.git", path: "/var/www" } },
};
