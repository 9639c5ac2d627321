// The interpreter tries importScripts to find out where it is, which the page's policy refuses and the console reports.
self.importScripts = undefined;
