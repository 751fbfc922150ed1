<?php
/**
 * What came back of a call.
 *
 * @package LoyaltyHub
 */

namespace LoyaltyHub\Core;

/**
 * A status, and the decoded body if there is one.
 */
final class Reply {

	/**
	 * Made of what a sender gave.
	 *
	 * @param int   $status 0: no answer within the limit.
	 * @param array $body   Decoded JSON; empty if there was none.
	 */
	public function __construct( public int $status, public array $body = array() ) {
	}

	/**
	 * Reads an answer; one that is not JSON has no body.
	 *
	 * @param array $answer Status and text.
	 * @return self
	 */
	public static function of( array $answer ): self {
		list( $status, $text ) = $answer;
		$body                  = json_decode( $text, true, 64 );
		return new self( $status, is_array( $body ) ? $body : array() );
	}

	/**
	 * Whether the call did what it was for.
	 *
	 * @return bool
	 */
	public function is_ok(): bool {
		return $this->status >= 200 && $this->status < 300;
	}

	/**
	 * Whether the same call may do better later: no answer, or one that says so.
	 *
	 * @return bool
	 */
	public function is_away(): bool {
		return 0 === $this->status || 429 === $this->status || $this->status >= 500;
	}

	/**
	 * The stable word of a refusal.
	 *
	 * @return string
	 */
	public function code(): string {
		$code = $this->body['code'] ?? '';
		return is_string( $code ) ? $code : '';
	}
}
