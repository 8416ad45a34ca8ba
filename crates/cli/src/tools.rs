//! The small tools: those of s6-portable-utils and s6-linux-utils that scripts of images call, each a
//! function that gets its [`Call`] and says how it [ended](Outcome).
//!
//! Never called by the daemon: everything here may block. Words and lines are bytes throughout.

mod call;
mod change;
mod copy;
mod cut;
mod environment;
mod expr;
mod format;
mod grep;
mod head;
mod link;
mod make;
mod mount;
mod names;
mod print;
mod process;
mod quote;
mod quoting;
mod sort;
mod stream;
mod symlinks;
mod tail;
mod timed;

use crate::applets::Applet;

pub(crate) use call::{Call, Failure, Outcome, Run, decimal, finish, octal};

/// Their table.
pub(crate) const APPLETS: &[Applet] = &[
    Applet::tool(
        "s6-basename",
        "print the last part of a path",
        "s6-basename [ -n ] file [ suffix ]",
        names::basename,
    ),
    Applet::tool(
        "s6-cat",
        "copy standard input to standard output",
        "s6-cat",
        print::cat,
    ),
    Applet::tool(
        "s6-chmod",
        "change the mode of a file",
        "s6-chmod mode file",
        change::chmod,
    ),
    Applet::tool(
        "s6-chown",
        "change the owner of a file",
        "s6-chown [ -U ] [ -u uid ] [ -g gid ] file",
        change::chown,
    ),
    Applet::tool(
        "s6-chroot",
        "run a program with another root directory",
        "s6-chroot dir prog...",
        process::chroot,
    ),
    Applet::tool(
        "s6-cut",
        "print parts of each line",
        "s6-cut [ -b list | -c list | -f list ] [ -d delim ] [ -n ] [ -s ] [ file... ]",
        cut::cut,
    ),
    Applet::tool(
        "s6-dirname",
        "print a path without its last part",
        "s6-dirname [ -n ] file",
        names::dirname,
    ),
    Applet::tool(
        "s6-dumpenv",
        "write the environment into a directory",
        "s6-dumpenv [ -N | -n ] [ -m mode ] envdir",
        environment::dumpenv,
    ),
    Applet::tool(
        "s6-echo",
        "print words",
        "s6-echo [ -n ] [ -s sep ] args...",
        print::echo,
    ),
    Applet::tool(
        "s6-env",
        "run a program with variables",
        "s6-env [ -i ] [ name=value... ] prog...",
        environment::env,
    ),
    Applet::tool(
        "s6-expr",
        "calculate",
        "s6-expr arithmetic expression",
        expr::expr,
    ),
    Applet::tool("s6-false", "fail", "s6-false", print::no),
    Applet::tool(
        "s6-format-filter",
        "put each line into a format",
        "s6-format-filter format [ args... ]",
        format::format_filter,
    ),
    Applet::tool(
        "s6-grep",
        "print the lines that match",
        "s6-grep [ -E | -F ] [ -i ] [ -c ] [ -n ] [ -q ] [ -v ] pattern",
        grep::grep,
    ),
    Applet::tool(
        "s6-head",
        "print the first lines",
        "s6-head [ -S ] [ -1..9 | -n lines | -c chars ] [ file... ]",
        head::head,
    ),
    Applet::tool(
        "s6-hiercopy",
        "copy a tree of files",
        "s6-hiercopy src dst",
        copy::hiercopy,
    ),
    Applet::tool(
        "s6-hostname",
        "print the name of the host, or set it",
        "s6-hostname [ hostname ]",
        mount::hostname,
    ),
    Applet::tool(
        "s6-linkname",
        "print where a link leads",
        "s6-linkname [ -n ] [ -f ] link",
        names::linkname,
    ),
    Applet::tool(
        "s6-ln",
        "make links",
        "s6-ln [ -n ] [ -s ] [ -f ] [ -L ] [ -P ] src... dest",
        link::ln,
    ),
    Applet::tool(
        "s6-ls",
        "list a directory",
        "s6-ls [ -0 ] [ -a | -A ] [ -x exclude ] dir",
        names::ls,
    ),
    Applet::tool(
        "s6-maximumtime",
        "run a program for no longer than a time",
        "s6-maximumtime [ -0 | -a | -b | -i | -k | -q | -t | -x | -1 | -2 ] milliseconds prog...",
        timed::maximumtime,
    ),
    Applet::tool(
        "s6-mkdir",
        "make directories",
        "s6-mkdir [ -p ] [ -v ] [ -m mode ] dir",
        make::mkdir,
    ),
    Applet::tool(
        "s6-mkfifo",
        "make FIFOs",
        "s6-mkfifo [ -m mode ] fifo...",
        make::mkfifo,
    ),
    Applet::tool(
        "s6-mount",
        "mount a file system, or list those that are",
        "s6-mount -a [ -z fstab ] | s6-mount [ -n ] [ -t type ] [ -o option[,option...] ]... device mountpoint",
        mount::mount,
    ),
    Applet::tool(
        "s6-nice",
        "run a program with another priority",
        "s6-nice [ -I | -i ] [ -n value ] prog...",
        process::nice,
    ),
    Applet::tool(
        "s6-pause",
        "wait for a signal",
        "s6-pause [ -t ] [ -h ] [ -a ] [ -q ] [ -b ] [ -i ] [ -p signal,signal... ]",
        process::pause,
    ),
    Applet::tool(
        "s6-printenv",
        "print the environment",
        "s6-printenv [ -n ] [ -0 | -d delimchar ]",
        environment::printenv,
    ),
    Applet::tool(
        "s6-quote",
        "quote a string",
        "s6-quote [ -n ] [ -u ] [ -d delim ] string",
        quoting::quote,
    ),
    Applet::tool(
        "s6-quote-filter",
        "quote each line",
        "s6-quote-filter [ -u ] [ -d delim ]",
        quoting::quote_filter,
    ),
    Applet::tool(
        "s6-rename",
        "give a file another name",
        "s6-rename old new",
        change::rename,
    ),
    Applet::tool(
        "s6-rmrf",
        "remove files and trees of them",
        "s6-rmrf file ...",
        change::rmrf,
    ),
    Applet::tool(
        "s6-seq",
        "print numbers",
        "s6-seq [ -w ] [ -s separator ] limits",
        print::seq,
    ),
    Applet::tool(
        "s6-sleep",
        "run a program after a time",
        "s6-sleep [ -m ] duration prog...",
        process::sleep,
    ),
    Applet::tool("s6-sort", "sort lines", "s6-sort [ -bcfru0 ]", sort::sort),
    Applet::tool(
        "s6-sync",
        "write everything to the disks",
        "s6-sync",
        process::sync,
    ),
    Applet::tool(
        "s6-tail",
        "print the last lines",
        "s6-tail [ -c chars | -n lines | -1..9 ] [ file ]",
        tail::tail,
    ),
    Applet::tool(
        "s6-touch",
        "make files, or give them the present time",
        "s6-touch file ...",
        make::touch,
    ),
    Applet::tool("s6-true", "succeed", "s6-true", print::yes),
    Applet::tool(
        "s6-umount",
        "unmount a file system",
        "s6-umount mountpoint <or> s6-umount -a",
        mount::umount,
    ),
    Applet::tool(
        "s6-uniquename",
        "print a name that nothing else has",
        "s6-uniquename [ -n randomlen ] prefix",
        names::uniquename,
    ),
    Applet::tool(
        "s6-unquote",
        "read a quoted string",
        "s6-unquote [ -n ] [ -d delim ] string",
        quoting::unquote,
    ),
    Applet::tool(
        "s6-unquote-filter",
        "read a quoted string in each line",
        "s6-unquote-filter [ -q | -Q | -v | -w ] [ -d delim ]",
        quoting::unquote_filter,
    ),
    Applet::tool(
        "s6-update-symlinks",
        "make a tree of links to what is in directories",
        "s6-update-symlinks /destdir /srcdir [ /srcdir ... ]",
        symlinks::update_symlinks,
    ),
    Applet::tool(
        "with-retries",
        "run a program until it succeeds",
        "with-retries [ -n tries ] [ -t milliseconds ] prog...",
        timed::with_retries,
    ),
];
