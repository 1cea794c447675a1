/** Follows the newest text while the reader is at the end, and never pulls a reader who went up. */

const NEAR_END_PX = 48;

export class Follower {
  #scroller;
  #jump;
  #following = true;
  #lastTop = 0;

  constructor(scroller, jump) {
    this.#scroller = scroller;
    this.#jump = jump;
    scroller.addEventListener("scroll", () => this.#onScroll(), { passive: true });
    jump.addEventListener("click", () => this.toEnd());
    // Charts and opened cards change the height without any event of their own.
    new ResizeObserver(() => this.follow()).observe(scroller.firstElementChild);
    new ResizeObserver(() => this.follow()).observe(scroller);
  }

  follow() {
    if (this.#following) this.#scroller.scrollTop = this.#scroller.scrollHeight;
    this.#showJump();
  }

  toEnd() {
    this.#following = true;
    this.follow();
  }

  #onScroll() {
    const top = this.#scroller.scrollTop;
    // Only going up means "let me read"; growing text alone also leaves the end behind for a moment.
    this.#following = this.#isNearEnd() || (this.#following && top >= this.#lastTop);
    this.#lastTop = top;
    this.#showJump();
  }

  #isNearEnd() {
    const { scrollHeight, scrollTop, clientHeight } = this.#scroller;
    return scrollHeight - scrollTop - clientHeight < NEAR_END_PX;
  }

  #showJump() {
    this.#jump.hidden = this.#following || this.#isNearEnd();
  }
}
