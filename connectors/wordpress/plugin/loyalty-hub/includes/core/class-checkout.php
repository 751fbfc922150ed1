<?php
/**
 * The way of a cart: asked about, promised, ordered.
 *
 * @package LoyaltyHub
 */

namespace LoyaltyHub\Core;

/**
 * Keeps what the buyer chose and what the hub answered, in the buyer's session, and asks again only
 * when something changed.  Nothing here stops a sale: without an answer the shop's own price stands.
 */
final class Checkout {

	/**
	 * Seconds after which a hub that did not answer is asked again about the same cart.
	 */
	private const PAUSE = 60;

	/**
	 * Begins with what the session holds.
	 *
	 * @param Hub      $hub   Who is asked.
	 * @param array    $state As `state()` gave it; anything may be missing.
	 * @param callable $now   fn(): int, seconds since the epoch.
	 * @param string   $cart  Id for a cart that has none yet.
	 */
	public function __construct( private Hub $hub, private array $state, private $now, string $cart ) {
		$this->state += array(
			'cart'    => $cart,
			'spend'   => null,
			'codes'   => array(),
			'print'   => '',
			'answer'  => null,
			'until'   => 0,
			'trouble' => '',
			'hold'    => null,
		);
	}

	/**
	 * For the session.
	 *
	 * @return array
	 */
	public function state(): array {
		return $this->state;
	}

	/**
	 * What the buyer chose to spend.
	 *
	 * @return string|null "max", points as a decimal, or null.
	 */
	public function spend(): ?string {
		return $this->state['spend'];
	}

	/**
	 * Codes that the buyer typed.
	 *
	 * @return string[]
	 */
	public function codes(): array {
		return $this->state['codes'];
	}

	/**
	 * Why there is no answer: "away" or "degraded"; "" where there is no trouble.
	 *
	 * @return string
	 */
	public function trouble(): string {
		return $this->state['trouble'];
	}

	/**
	 * The hold that was placed last.
	 *
	 * @return string|null
	 */
	public function hold_id(): ?string {
		return $this->state['hold'];
	}

	/**
	 * The buyer's choice of points.
	 *
	 * @param string $typed "max", "" for none, or a number as people write it.
	 * @return bool Whether it could be read.
	 */
	public function choose( string $typed ): bool {
		$typed = str_replace( array( ' ', "\u{a0}", ',' ), array( '', '', '.' ), trim( $typed ) );
		if ( 'max' === $typed ) {
			$this->state['spend'] = 'max';
			return true;
		}
		if ( '' === $typed ) {
			$this->state['spend'] = null;
			return true;
		}
		try {
			$points = Money::read( $typed );
		} catch ( \UnexpectedValueException $error ) {
			return false;
		}
		if ( $points < 0 ) {
			return false;
		}
		$this->state['spend'] = 0 === $points ? null : Money::write( $points );
		return true;
	}

	/**
	 * A code that the buyer typed.
	 *
	 * @param string $code As typed.
	 */
	public function add_code( string $code ): void {
		$code = trim( $code );
		if ( '' !== $code && mb_strlen( $code ) <= 100 && count( $this->state['codes'] ) < 10 ) {
			$this->state['codes'] = array_values( array_unique( array( ...$this->state['codes'], $code ) ) );
		}
	}

	/**
	 * A code that the buyer takes back.
	 *
	 * @param string $code As typed.
	 */
	public function drop_code( string $code ): void {
		$this->state['codes'] = array_values( array_diff( $this->state['codes'], array( $code ) ) );
	}

	/**
	 * The hub's answer for this basket, asked for if there is none yet.
	 *
	 * @param Basket $basket The cart as it is.
	 * @return Quote|null Null: the shop's own price stands.
	 */
	public function quote( Basket $basket ): ?Quote {
		if ( ! $basket->can_be_asked() ) {
			return null;
		}
		$body  = $basket->body( $this->state['spend'], $this->state['codes'], $this->state['cart'] );
		$print = hash( 'sha256', (string) json_encode( $body, JSON_INVALID_UTF8_SUBSTITUTE ) );
		if ( $print !== $this->state['print'] || ( $this->now )() >= $this->state['until'] ) {
			$this->ask( $body, $print, $basket );
		}
		return null === $this->state['answer'] ? null : new Quote( $this->state['answer'], $basket );
	}

	/**
	 * Has the price promised before the order is made.
	 *
	 * @param Basket $basket The cart as it is ordered.
	 * @param int    $ttl    Seconds that the promise shall last.
	 * @return bool Whether the order may be made as the buyer saw it; if not, the price is another now.
	 */
	public function hold( Basket $basket, int $ttl ): bool {
		$this->state['hold'] = null;
		$quote               = $this->quote( $basket );
		if ( null === $quote || ! $quote->reduces() ) {
			return true;
		}
		$body           = $basket->body( $this->state['spend'], $this->state['codes'], $this->state['cart'] );
		$body['ttl_s']  = max( 60, min( 86400, $ttl ) );
		$body['expect'] = array(
			'payable' => Money::write( $quote->total( 'payable' ) ),
			'spend'   => Money::write( $quote->points['spend'] ),
		);
		$reply          = $this->hub->call( 'POST', '/holds', $body );
		if ( 201 === $reply->status && is_string( $reply->body['id'] ?? null ) ) {
			$this->state['hold'] = $reply->body['id'];
			return true;
		}
		if ( $reply->is_away() && 0 === $quote->points['spend'] && ! $quote->uses_codes() ) {
			return true; // A discount that uses nothing up was told, and stands without a promise.
		}
		if ( $reply->is_away() ) {
			$this->nothing( 'away' );
		} else {
			$this->state['print'] = ''; // Asked anew: the price, the points or a code have changed.
		}
		return false;
	}

	/**
	 * After the order is made, the next cart begins.
	 *
	 * @param string $cart Its id.
	 */
	public function begin_anew( string $cart ): void {
		$this->state = ( new self( $this->hub, array(), $this->now, $cart ) )->state;
	}

	/**
	 * Asks, and keeps what came of it.
	 *
	 * @param array  $body   Of the quote.
	 * @param string $print  What tells it from others.
	 * @param Basket $basket What it is about.
	 */
	private function ask( array $body, string $print, Basket $basket ): void {
		$this->state['print'] = $print;
		$reply                = $this->hub->call( 'POST', '/quotes', $body );
		if ( ! $reply->is_ok() ) {
			$this->nothing( 'away' );
			return;
		}
		if ( false !== ( $reply->body['degraded'] ?? null ) ) {
			$this->nothing( 'degraded' );
			return;
		}
		try {
			new Quote( $reply->body, $basket );
		} catch ( \UnexpectedValueException $error ) {
			$this->nothing( 'away' );
			return;
		}
		$until                  = strtotime( (string) ( $reply->body['valid_until'] ?? '' ) );
		$this->state['answer']  = $reply->body;
		$this->state['until']   = max( (int) $until, ( $this->now )() + self::PAUSE );
		$this->state['trouble'] = '';
	}

	/**
	 * There is no answer for a while.
	 *
	 * @param string $trouble Why.
	 */
	private function nothing( string $trouble ): void {
		$this->state['answer']  = null;
		$this->state['trouble'] = $trouble;
		$this->state['until']   = ( $this->now )() + self::PAUSE;
	}
}
