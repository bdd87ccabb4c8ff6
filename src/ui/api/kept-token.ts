const KEY = 'causeway.admin-token'

/** Session storage: gone with the tab, unreadable for other sites, never part of an address or a cookie. */
export const keptToken = (): string | null => sessionStorage.getItem(KEY)
export const keepToken = (token: string): void => sessionStorage.setItem(KEY, token)
export const dropToken = (): void => sessionStorage.removeItem(KEY)
