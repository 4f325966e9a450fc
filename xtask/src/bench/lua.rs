//! nginx and HAProxy with the same rewrite and header edit in Lua, as their manuals say to write it.
//!
//! Both have their cache in memory and one thread. HAProxy's cache keys what Lua made of the path, as the node's does;
//! nginx's too.

use std::path::Path;

use crate::debian::{self, Program};
use crate::failure::{Failure, Outcome};
use crate::loopback;
use crate::server::Server;

use super::Plan;
use super::contender::{self, Contender, NginxExtra, Origin, SERVER_CORE, Scratch, nginx_config, on_core};

pub(super) const HAPROXY: Program = Program { name: "/usr/sbin/haproxy", package: "haproxy", probe: "-v" };

/// Where Debian puts nginx's modules.
const MODULES: &str = "/usr/lib/nginx/modules";
/// The package of the one with Lua.
const NGINX_LUA_PACKAGE: &str = "libnginx-mod-http-lua";

const NGINX_LUA: &str = r#"      rewrite_by_lua_block { ngx.req.set_uri("/b" .. ngx.var.uri, false) }
      header_filter_by_lua_block {
        ngx.header["Server"] = nil
        ngx.header["X-Content-Type-Options"] = "nosniff"
      }
"#;

const HAPROXY_LUA: &str = r#"core.register_action("rewrite", { "http-req" }, function(txn)
  txn.http:req_set_path("/b" .. txn.sf:path())
end)
core.register_action("mark", { "http-res" }, function(txn)
  txn.http:res_del_header("server")
  txn.http:res_set_header("x-content-type-options", "nosniff")
end)
"#;

/// nginx with one worker, its cache in memory, and LuaJIT.
pub(super) fn nginx(plan: &Plan, origin: &Origin) -> Outcome<Contender> {
    debian::ensure_file(NGINX_LUA_PACKAGE, &Path::new(MODULES).join("ngx_http_lua_module.so"))?;
    let port = loopback::free_port()?;
    let files = Scratch::make("nginx-lua")?;
    let config = files.0.join("nginx.conf");
    let extra = NginxExtra {
        modules: format!(
            "load_module {MODULES}/ndk_http_module.so;\nload_module {MODULES}/ngx_http_lua_module.so;\n"
        ),
        http: "  lua_package_path \"/usr/share/lua/5.1/?.lua;;\";\n".to_owned(),
        location: NGINX_LUA.to_owned(),
    };
    std::fs::write(&config, nginx_config(plan, &files.0, port, origin.port, &extra))
        .map_err(|error| Failure::file(&config, &error))?;
    let mut command = on_core(SERVER_CORE, Path::new(contender::NGINX));
    command.arg("-p").arg(&files.0).arg("-c").arg(&config).args(["-e", "stderr"]);
    let name = "nginx + Lua";
    let server = Server::start(name, command, &plan.folder, port)?;
    Ok(Contender { name: name.to_owned(), port, server, speaks_cache_status: false, _files: Some(files) })
}

/// HAProxy with one thread and its cache in memory.
pub(super) fn haproxy(plan: &Plan, origin: &Origin) -> Outcome<Contender> {
    let port = loopback::free_port()?;
    let files = Scratch::make("haproxy")?;
    let write = |name: &str, text: &str| {
        let path = files.0.join(name);
        std::fs::write(&path, text).map_err(|error| Failure::file(&path, &error))?;
        Ok::<_, Failure>(path)
    };
    let lua = write("edge.lua", HAPROXY_LUA)?;
    let text = format!(
        "global
  nbthread 1
  maxconn 4096
  lua-load {lua}
defaults
  mode http
  timeout client 600s
  timeout server 60s
  timeout connect 5s
  timeout http-keep-alive 600s
cache hits
  total-max-size 512
  max-object-size 5000000
  max-age 3600
frontend clients
  bind 127.0.0.1:{port}
  http-request lua.rewrite
  http-request cache-use hits
  http-response cache-store hits
  http-response lua.mark
  default_backend origin
backend origin
  server one 127.0.0.1:{origin}
",
        lua = lua.display(),
        origin = origin.port,
    );
    let config = write("haproxy.cfg", &text)?;
    let mut command = on_core(SERVER_CORE, Path::new(HAPROXY.name));
    command.arg("-f").arg(&config);
    let name = "haproxy + Lua";
    let server = Server::start(name, command, &plan.folder, port)?;
    Ok(Contender { name: name.to_owned(), port, server, speaks_cache_status: false, _files: Some(files) })
}
