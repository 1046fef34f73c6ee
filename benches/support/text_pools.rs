//! Words the workload draws from.

pub(super) const MONTHS: [&str; 12] = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];
pub(super) const SITES: [&str; 4] =
    ["www.harbour-supplies.example", "shop.harbour-supplies.example", "portal.harbour-supplies.example", "static.harbour-supplies.example"];
pub(super) const PAGES: [&str; 24] = [
    "/",
    "/index.html",
    "/login",
    "/logout",
    "/cart",
    "/checkout",
    "/products",
    "/search",
    "/account/orders",
    "/account/profile",
    "/assets/app.js",
    "/assets/app.css",
    "/assets/logo.svg",
    "/images/banner.webp",
    "/favicon.ico",
    "/robots.txt",
    "/health",
    "/help/shipping",
    "/help/returns",
    "/blog",
    "/sitemap.xml",
    "/api/v2/session",
    "/api/v2/basket",
    "/news/feed.xml",
];
pub(super) const RESOURCES: [&str; 10] =
    ["orders", "customers", "invoices", "shipments", "products", "stock", "payments", "sessions", "carts", "reviews"];
pub(super) const SERVICES: [&str; 7] = ["orders", "customers", "billing", "stock", "payments", "sessions", "search"];
pub(super) const USERS: [&str; 18] = [
    "root", "admin", "deploy", "backup", "mkeller", "jsantos", "aoyama", "lpetrov", "sdubois", "nagios", "git", "oracle", "ubuntu", "test",
    "postgres", "hwinter", "cmoreau", "pnowak",
];
pub(super) const AGENTS: [&str; 14] = [
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/142.0.0.0 Safari/537.36",
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/141.0.0.0 Safari/537.36 Edg/141.0.0.0",
    "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.6 Safari/605.1.15",
    "Mozilla/5.0 (iPhone; CPU iPhone OS 18_6 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.6 Mobile/15E148 Safari/604.1",
    "Mozilla/5.0 (X11; Linux x86_64; rv:144.0) Gecko/20100101 Firefox/144.0",
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64; rv:143.0) Gecko/20100101 Firefox/143.0",
    "Mozilla/5.0 (Linux; Android 10; K) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/142.0.0.0 Mobile Safari/537.36",
    "Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)",
    "Mozilla/5.0 (compatible; bingbot/2.0; +http://www.bing.com/bingbot.htm)",
    "curl/8.14.1",
    "python-requests/2.32.4",
    "kube-probe/1.33",
    "HarbourShop/7.12.3 (Android 15; SM-S921B)",
    "HarbourShop/7.12.1 (iOS 18.6; iPhone15,2)",
];
pub(super) const UNITS: [&str; 14] = [
    "logrotate.service",
    "apt-daily.service",
    "fstrim.service",
    "man-db.service",
    "session-4821.scope",
    "docker.service",
    "nginx.service",
    "postgresql@17-main.service",
    "systemd-tmpfiles-clean.service",
    "certbot.service",
    "user@1000.service",
    "node-exporter.service",
    "snapd.service",
    "phpsessionclean.service",
];
pub(super) const STATEMENTS: [&str; 8] = [
    "SELECT o.id, o.state, o.total FROM orders o WHERE o.customer_id = $1 ORDER BY o.created_at DESC LIMIT 50",
    "UPDATE stock SET quantity = quantity - $1 WHERE product_id = $2 AND warehouse_id = $3",
    "INSERT INTO audit_trail (actor, action, entity, entity_id) VALUES ($1, $2, $3, $4)",
    "SELECT count(*) FROM invoices WHERE due_at < now() AND paid_at IS NULL",
    "DELETE FROM sessions WHERE expires_at < $1",
    "SELECT p.* FROM products p JOIN stock s ON s.product_id = p.id WHERE p.category = $1 AND s.quantity > 0",
    "COMMIT",
    "REFRESH MATERIALIZED VIEW CONCURRENTLY daily_turnover",
];
