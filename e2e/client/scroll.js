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
    if (this.#following) {
      this.#scroller.scrollTop = this.#scroller.scrollHeight;
      this.#lastTop = this.#scroller.scrollTop;
    }
    this.#showJump();
  }

  toEnd() {
    this.#following = true;
    this.follow();
  }

  /**
   * Going up, be it by a few pixels of a smooth scroll, means "let me read". Growing text alone also leaves the end
   * behind, and shrinking text moves the top: neither is the reader's doing.
   */
  #onScroll() {
    const top = this.#scroller.scrollTop;
    const down = top > this.#lastTop;
    this.#following = this.#fromEnd() < 2 || (this.#following && top >= this.#lastTop) || (down && this.#isNearEnd());
    this.#lastTop = top;
    this.#showJump();
  }

  #isNearEnd() {
    return this.#fromEnd() < NEAR_END_PX;
  }

  #fromEnd() {
    const { scrollHeight, scrollTop, clientHeight } = this.#scroller;
    return scrollHeight - scrollTop - clientHeight;
  }

  #showJump() {
    this.#jump.hidden = this.#following || this.#isNearEnd();
  }
}
