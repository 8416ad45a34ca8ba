//! Local sockets: `s6-ipcclient`, `s6-ipcserver` and its two halves, and `s6-sudo` with its two, which
//! have a program run by who serves a socket. The chains that s6 makes of several programs are made in
//! one process here.
//!
//! Never called by the daemon: everything here may block.

mod binder;
mod client;
mod message;
mod server;
mod sudo;
mod sudod;

use crate::applets::Applet;

/// Their table.
pub(crate) const APPLETS: &[Applet] = &[
    Applet::tool(
        "s6-ipcclient",
        "run a program with a connection to a local socket",
        "s6-ipcclient [ -q | -Q | -v ] [ -p bindpath ] [ -l localname ] path prog...",
        client::ipcclient,
    ),
    Applet::tool(
        "s6-ipcserver",
        "run a program for each connection to a local socket",
        "s6-ipcserver [ -q | -Q | -v ] [ -d | -D ] [ -P | -p ] [ -1 ] [ -c maxconn ] [ -C localmaxconn ] [ -b backlog ] [ -a socketperms ] [ -G gid,gid,... ] [ -g gid ] [ -u uid ] [ -U ] path prog...",
        server::ipcserver,
    ),
    Applet::tool(
        binder::NAME,
        "run a program with a local socket",
        "s6-ipcserver-socketbinder [ -d | -D ] [ -b backlog ] [ -M | -m ] [ -a perms ] [ -B ] path prog...",
        binder::socketbinder,
    ),
    Applet::tool(
        server::NAME,
        "run a program for each connection to the socket on standard input",
        "s6-ipcserverd [ -v verbosity ] [ -1 ] [ -P | -p ] [ -c maxconn ] [ -C localmaxconn ] prog...",
        server::ipcserverd,
    ),
    Applet::tool(
        "s6-sudo",
        "have a program run by who serves a socket",
        "s6-sudo [ -q | -Q | -v ] [ -p bindpath ] [ -l localname ] [ -e ] [ -t timeout ] [ -T timeoutrun ] path [ args... ]",
        sudo::sudo,
    ),
    Applet::tool(
        sudo::CLIENT,
        "the same, over a connection that is there",
        "s6-sudoc [ -e ] [ -t timeoutconn ] [ -T timeoutrun ] [ args... ]",
        sudo::sudoc,
    ),
    Applet::tool(
        sudod::NAME,
        "run a program for who asks over a connection",
        "s6-sudod [ -0 ] [ -1 ] [ -2 ] [ -d ] [ -t timeout ] args...",
        sudod::sudod,
    ),
];
