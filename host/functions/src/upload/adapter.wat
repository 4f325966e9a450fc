;; Stands between a wasm32-wasip1 module and this host: WASI preview 1 on one side, `seawall:edge/sys` on the other.
;;
;; It has no state and no memory of its own; it reads and writes the module's. What a module does not use is removed
;; when the two are put together, so that most functions end up importing nothing of this.
;;
;; Errors are WASI's: 0 success, 8 badf, 52 nosys, 58 notsup. There are no files, no arguments and no environment;
;; standard input is empty; standard output and standard error go to the function's log.
(module
  (import "env" "memory" (memory 0))
  (import "seawall:edge/sys@0.1.0" "write" (func $write (param i32 i32 i32)))
  (import "seawall:edge/sys@0.1.0" "wall-clock" (func $wall (result i64)))
  (import "seawall:edge/sys@0.1.0" "monotonic-clock" (func $monotonic (result i64)))
  (import "seawall:edge/sys@0.1.0" "random" (func $random (result i64)))

  ;; ---- output ----

  ;; $written = bytes of all $count buffers at $iovs, each a pointer and a length.
  (func (export "fd_write") (param $fd i32) (param $iovs i32) (param $count i32) (param $written i32) (result i32)
    (local $sum i32)
    (if (i32.gt_u (i32.sub (local.get $fd) (i32.const 1)) (i32.const 1)) (then (return (i32.const 8))))
    (block $done
      (loop $next
        (br_if $done (i32.eqz (local.get $count)))
        (if (i32.load offset=4 (local.get $iovs))
          (then
            (call $write (local.get $fd) (i32.load (local.get $iovs)) (i32.load offset=4 (local.get $iovs)))
            (local.set $sum (i32.add (local.get $sum) (i32.load offset=4 (local.get $iovs))))))
        (local.set $iovs (i32.add (local.get $iovs) (i32.const 8)))
        (local.set $count (i32.sub (local.get $count) (i32.const 1)))
        (br $next)))
    (i32.store (local.get $written) (local.get $sum))
    (i32.const 0))

  ;; ---- time and randomness ----

  (func (export "clock_time_get") (param $clock i32) (param $precision i64) (param $out i32) (result i32)
    (i64.store (local.get $out)
      (if (result i64) (local.get $clock) (then (call $monotonic)) (else (call $wall))))
    (i32.const 0))
  (func (export "clock_res_get") (param $clock i32) (param $out i32) (result i32)
    (i64.store (local.get $out) (i64.const 1000000))
    (i32.const 0))
  (func (export "random_get") (param $at i32) (param $left i32) (result i32)
    (local $bits i64)
    (block $done
      (loop $eight
        (br_if $done (i32.lt_u (local.get $left) (i32.const 8)))
        (i64.store align=1 (local.get $at) (call $random))
        (local.set $at (i32.add (local.get $at) (i32.const 8)))
        (local.set $left (i32.sub (local.get $left) (i32.const 8)))
        (br $eight)))
    (if (local.get $left)
      (then
        (local.set $bits (call $random))
        (loop $one
          (i64.store8 (local.get $at) (local.get $bits))
          (local.set $bits (i64.shr_u (local.get $bits) (i64.const 8)))
          (local.set $at (i32.add (local.get $at) (i32.const 1)))
          (local.set $left (i32.sub (local.get $left) (i32.const 1)))
          (br_if $one (local.get $left)))))
    (i32.const 0))

  ;; ---- a program's surroundings: none ----

  (func $zeroes (param $count i32) (param $bytes i32) (result i32)
    (i32.store (local.get $count) (i32.const 0))
    (i32.store (local.get $bytes) (i32.const 0))
    (i32.const 0))
  (func (export "args_sizes_get") (param i32 i32) (result i32) (call $zeroes (local.get 0) (local.get 1)))
  (func (export "environ_sizes_get") (param i32 i32) (result i32) (call $zeroes (local.get 0) (local.get 1)))
  (func (export "args_get") (param i32 i32) (result i32) (i32.const 0))
  (func (export "environ_get") (param i32 i32) (result i32) (i32.const 0))
  (func (export "sched_yield") (result i32) (i32.const 0))
  (func (export "proc_exit") (param i32) unreachable)
  (func (export "proc_raise") (param i32) (result i32) (i32.const 52))
  (func (export "poll_oneoff") (param i32 i32 i32 i32) (result i32) (i32.const 58))

  ;; ---- descriptors: 0, 1 and 2, each a character device ----

  (func (export "fd_fdstat_get") (param $fd i32) (param $out i32) (result i32)
    (if (i32.gt_u (local.get $fd) (i32.const 2)) (then (return (i32.const 8))))
    (i64.store (local.get $out) (i64.const 2))
    (i64.store offset=8 (local.get $out) (i64.const 0))
    (i64.store offset=16 (local.get $out) (i64.const 0))
    (i32.const 0))
  (func (export "fd_read") (param $fd i32) (param i32 i32) (param $read i32) (result i32)
    (if (local.get $fd) (then (return (i32.const 8))))
    (i32.store (local.get $read) (i32.const 0))
    (i32.const 0))
  (func (export "fd_close") (param i32) (result i32) (i32.const 0))
  (func (export "fd_prestat_get") (param i32 i32) (result i32) (i32.const 8))
  (func (export "fd_prestat_dir_name") (param i32 i32 i32) (result i32) (i32.const 8))
  (func (export "fd_seek") (param i32 i64 i32 i32) (result i32) (i32.const 58))
  (func (export "fd_tell") (param i32 i32) (result i32) (i32.const 58))
  (func (export "fd_advise") (param i32 i64 i64 i32) (result i32) (i32.const 58))
  (func (export "fd_allocate") (param i32 i64 i64) (result i32) (i32.const 58))
  (func (export "fd_datasync") (param i32) (result i32) (i32.const 58))
  (func (export "fd_fdstat_set_flags") (param i32 i32) (result i32) (i32.const 58))
  (func (export "fd_fdstat_set_rights") (param i32 i64 i64) (result i32) (i32.const 58))
  (func (export "fd_filestat_get") (param i32 i32) (result i32) (i32.const 58))
  (func (export "fd_filestat_set_size") (param i32 i64) (result i32) (i32.const 58))
  (func (export "fd_filestat_set_times") (param i32 i64 i64 i32) (result i32) (i32.const 58))
  (func (export "fd_pread") (param i32 i32 i32 i64 i32) (result i32) (i32.const 58))
  (func (export "fd_pwrite") (param i32 i32 i32 i64 i32) (result i32) (i32.const 58))
  (func (export "fd_readdir") (param i32 i32 i32 i64 i32) (result i32) (i32.const 58))
  (func (export "fd_renumber") (param i32 i32) (result i32) (i32.const 58))
  (func (export "fd_sync") (param i32) (result i32) (i32.const 58))

  ;; ---- files and sockets: none ----

  (func (export "path_create_directory") (param i32 i32 i32) (result i32) (i32.const 58))
  (func (export "path_filestat_get") (param i32 i32 i32 i32 i32) (result i32) (i32.const 58))
  (func (export "path_filestat_set_times") (param i32 i32 i32 i32 i64 i64 i32) (result i32) (i32.const 58))
  (func (export "path_link") (param i32 i32 i32 i32 i32 i32 i32) (result i32) (i32.const 58))
  (func (export "path_open") (param i32 i32 i32 i32 i32 i64 i64 i32 i32) (result i32) (i32.const 58))
  (func (export "path_readlink") (param i32 i32 i32 i32 i32 i32) (result i32) (i32.const 58))
  (func (export "path_remove_directory") (param i32 i32 i32) (result i32) (i32.const 58))
  (func (export "path_rename") (param i32 i32 i32 i32 i32 i32) (result i32) (i32.const 58))
  (func (export "path_symlink") (param i32 i32 i32 i32 i32) (result i32) (i32.const 58))
  (func (export "path_unlink_file") (param i32 i32 i32) (result i32) (i32.const 58))
  (func (export "sock_accept") (param i32 i32 i32) (result i32) (i32.const 58))
  (func (export "sock_recv") (param i32 i32 i32 i32 i32 i32) (result i32) (i32.const 58))
  (func (export "sock_send") (param i32 i32 i32 i32 i32) (result i32) (i32.const 58))
  (func (export "sock_shutdown") (param i32 i32) (result i32) (i32.const 58)))
