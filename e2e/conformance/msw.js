// What a bundler would take from the package: MSW's own build for pages.
export const { http, HttpResponse } = MockServiceWorker;
