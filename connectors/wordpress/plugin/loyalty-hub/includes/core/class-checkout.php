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
			'cart'         => $cart,
			'spend'        => null,
			'codes'        => array(),
			'certificates' => array(),
			'print'        => '',
			'answer'       => null,
			'until'        => 0,
			'trouble'      => '',
			'hold'         => null,
			'promised'     => '',
			'asked'        => false,
			'no_phone'     => null,
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
	 * Codes of gift certificates that the buyer typed.
	 *
	 * @return string[]
	 */
	public function certificates(): array {
		return $this->state['certificates'];
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
	 * Whether a confirmation code was sent for this cart.
	 *
	 * @return bool
	 */
	public function has_asked_for_code(): bool {
		return $this->state['asked'];
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
	 * A code of a gift certificate that the buyer typed.
	 *
	 * @param string $code As typed.
	 */
	public function add_certificate( string $code ): void {
		$code = trim( $code );
		if ( '' !== $code && mb_strlen( $code ) <= 100 && count( $this->state['certificates'] ) < 10 ) {
			$this->state['certificates'] = array_values( array_unique( array( ...$this->state['certificates'], $code ) ) );
		}
	}

	/**
	 * A code that the buyer takes back.
	 *
	 * @param string $code As typed.
	 */
	public function drop_code( string $code ): void {
		$this->state['codes'] = array_values( array_diff( $this->state['codes'], array( $code ) ) );
		$this->state['certificates']  = array_values( array_diff( $this->state['certificates'], array( $code ) ) );
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
		$body  = $this->body( $basket );
		$print = self::print_of( $body );
		$is_over = $print !== $this->state['promised'] || ( $this->now )() >= $this->state['until'];
		if ( '' !== $this->state['promised'] && $is_over ) {
			$this->let_go();
			$body  = $this->body( $basket );
			$print = self::print_of( $body );
		}
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
		$quote = $this->quote( $basket );
		if ( '' !== $this->state['promised'] ) {
			return true;
		}
		$this->state['hold'] = null;
		if ( null === $quote || ! $quote->reduces() ) {
			return true;
		}
		$body           = $this->hold_body( $basket, $ttl );
		$body['expect'] = array(
			'payable' => Money::write( $quote->total( 'payable' ) ),
			'spend'   => Money::write( $quote->points['spend'] ),
			'to_pay'  => Money::write( $quote->total( 'payable' ) - $quote->certificates ),
		);
		if ( 0 === $quote->points['spend'] ) {
			$body['spend'] = null; // Points that wait for a code do not stop the sale.
		}
		$reply = $this->hub->call( 'POST', '/holds', $body );
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
	 * Has a confirmation code sent to the member: whoever is not proved spends with one.
	 *
	 * @param Basket $basket The cart as it is.
	 * @return Reply
	 */
	public function send_code( Basket $basket ): Reply {
		$reply = $this->hub->call(
			'POST',
			'/confirmations',
			array(
				'member'  => $basket->member,
				'purpose' => 'spend',
				'cart'    => $this->state['cart'],
				'shop'    => $basket->shop,
				'locale'  => $basket->locale,
			)
		);
		$this->state['asked'] = $this->state['asked'] || $reply->is_ok();
		return $reply;
	}

	/**
	 * Spends with a code: the hold is placed at once, and what it says is the price of this cart until
	 * the cart changes.
	 *
	 * @param Basket $basket The cart as it is.
	 * @param string $code   As typed.
	 * @param int    $ttl    Seconds that the promise shall last.
	 * @return Reply
	 */
	public function confirm( Basket $basket, string $code, int $ttl ): Reply {
		$this->state['spend'] = $this->state['spend'] ?? 'max';
		$reply                = $this->hub->call( 'POST', '/holds', array( 'code' => trim( $code ) ) + $this->hold_body( $basket, $ttl ) );
		$answer               = $reply->body['quote'] ?? null;
		if ( 201 !== $reply->status || ! is_array( $answer ) || ! is_string( $reply->body['id'] ?? null ) ) {
			return $reply;
		}
		try {
			new Quote( $answer, $basket );
		} catch ( \UnexpectedValueException $error ) {
			return new Reply( 0 );
		}
		$print       = self::print_of( $this->body( $basket ) );
		$this->state = array(
			'hold'     => $reply->body['id'],
			'promised' => $print,
			'print'    => $print,
			'answer'   => $answer,
			'until'    => (int) strtotime( (string) ( $reply->body['expires_at'] ?? '' ) ) - self::PAUSE,
			'trouble'  => '',
			'asked'    => false,
		) + $this->state;
		return $reply;
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
	 * The body of a quote.
	 *
	 * @param Basket $basket The cart as it is.
	 * @return array
	 */
	private function body( Basket $basket ): array {
		$body  = $basket->body( $this->state['spend'], $this->state['codes'], $this->state['cart'], $this->state['certificates'] );
		$phone = $basket->member['phone'] ?? null;
		if ( null !== $phone && $phone === $this->state['no_phone'] ) {
			$body['member'] = null;
			$body['spend']  = null;
		}
		return $body;
	}

	/**
	 * The body of a hold.
	 *
	 * @param Basket $basket The cart as it is.
	 * @param int    $ttl    Seconds.
	 * @return array
	 */
	private function hold_body( Basket $basket, int $ttl ): array {
		return array( 'ttl_s' => max( 60, min( 86400, $ttl ) ) ) + $this->body( $basket );
	}

	/**
	 * What tells one question from another.
	 *
	 * @param array $body Of the quote.
	 * @return string
	 */
	private static function print_of( array $body ): string {
		return hash( 'sha256', (string) json_encode( $body, JSON_INVALID_UTF8_SUBSTITUTE ) );
	}

	/**
	 * The cart is another than the one that was promised with a code.
	 */
	private function let_go(): void {
		$this->hub->call( 'DELETE', '/holds/' . rawurlencode( (string) $this->state['hold'] ) );
		$this->state['hold']     = null;
		$this->state['promised'] = '';
		$this->state['spend']    = null;
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
		if ( 'phone_impossible' === $reply->code() && isset( $body['member']['phone'] ) ) {
			// Buyers type anything; one that is no phone names nobody.
			$this->state['no_phone'] = $body['member']['phone'];
			$body                    = $this->body( $basket );
			$this->state['print']    = self::print_of( $body );
			$reply                   = $this->hub->call( 'POST', '/quotes', $body );
		}
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
