<?php
/**
 * What a buyer is told at cart and checkout.
 *
 * @package LoyaltyHub
 */

namespace LoyaltyHub;

use LoyaltyHub\Core\Checkout;
use LoyaltyHub\Core\Money;
use LoyaltyHub\Core\Quote;

/**
 * The same words and figures for the classic pages and for the blocks.
 */
final class Offer {

	/**
	 * For the cart of this session.
	 *
	 * @return array|null `notes`, `can_spend`, `by_code`, `code_sent`, `spend`, `codes`, `texts`; null: nothing is shown.
	 */
	public static function of_cart(): ?array {
		$checkout = Cart::one()->checkout();
		if ( null === $checkout || ! WC()->cart || WC()->cart->is_empty() ) {
			return null;
		}
		$quote    = Cart::one()->quote();
		$checkout = Cart::one()->checkout();
		return array(
			'notes'     => self::notes( $checkout, $quote ),
			'can_spend' => null !== $quote && ( $quote->points['spend_max'] > 0 || $quote->needs_code() ),
			'by_code'   => null !== $quote && $quote->needs_code(),
			'code_sent' => $checkout->has_asked_for_code(),
			'spend'     => self::chosen( $checkout, $quote ),
			'codes'     => self::codes( $checkout, $quote ),
			'texts'     => self::texts(),
		);
	}

	/**
	 * Words beside fields and on buttons.
	 *
	 * @return array<string, string>
	 */
	public static function texts(): array {
		return array(
			'points' => __( 'Points to spend', 'loyalty-hub' ),
			'use'    => __( 'Use', 'loyalty-hub' ),
			'all'    => __( 'Use all that may be used', 'loyalty-hub' ),
			'none'   => __( 'Use none', 'loyalty-hub' ),
			'code'   => __( 'Code', 'loyalty-hub' ),
			'gift'   => __( 'Gift certificate', 'loyalty-hub' ),
			'apply'  => __( 'Apply', 'loyalty-hub' ),
			'drop'   => __( 'Remove', 'loyalty-hub' ),
			'send'   => __( 'Send me a code', 'loyalty-hub' ),
			'digits' => __( 'Code from the message', 'loyalty-hub' ),
			'spend'  => __( 'Confirm', 'loyalty-hub' ),
		);
	}

	/**
	 * Points as people read them.
	 *
	 * @param int $points Hundredths.
	 * @return string
	 */
	public static function points( int $points ): string {
		return number_format_i18n( $points / 100, 0 === $points % 100 ? 0 : 2 );
	}

	/**
	 * What stands in the field of points: those that are spent, or wait for the code.
	 *
	 * @param Checkout   $checkout The way of the cart.
	 * @param Quote|null $quote    The answer.
	 * @return string
	 */
	private static function chosen( Checkout $checkout, ?Quote $quote ): string {
		if ( null !== $quote && $quote->points['spend'] > 0 ) {
			return Money::write( $quote->points['spend'] );
		}
		$waits = null !== $quote && $quote->needs_code() ? $checkout->spend() : null;
		return null === $waits || 'max' === $waits ? '' : $waits;
	}

	/**
	 * Sentences.
	 *
	 * @param Checkout   $checkout The way of the cart.
	 * @param Quote|null $quote    The answer.
	 * @return string[]
	 */
	private static function notes( Checkout $checkout, ?Quote $quote ): array {
		$notes = array();
		if ( null === $quote ) {
			if ( '' !== $checkout->trouble() ) {
				$notes[] = __( 'Points and discounts cannot be used at this moment. You can order at the full price, and points for the order will come later.', 'loyalty-hub' );
			}
			return $notes;
		}
		if ( null !== $quote->available() ) {
			/* translators: %s: number of points */
			$notes[] = sprintf( __( 'Your points: %s', 'loyalty-hub' ), self::points( $quote->available() ) );
		}
		if ( $quote->points['spend_max'] > 0 ) {
			/* translators: %s: number of points */
			$notes[] = sprintf( __( 'Points that may be used for this order: %s', 'loyalty-hub' ), self::points( $quote->points['spend_max'] ) );
		}
		if ( $quote->needs_code() ) {
			$notes[] = __( 'Your points can be spent with a code that is sent to your phone. Choose everything else first: a change of the order needs a new code.', 'loyalty-hub' );
		}
		if ( $quote->points['earn'] > 0 ) {
			/* translators: %s: number of points */
			$notes[] = sprintf( __( 'Points that this order brings: %s', 'loyalty-hub' ), self::points( $quote->points['earn'] ) );
		}
		foreach ( $quote->gifts() as $gift ) {
			/* translators: %s: name of an article */
			$notes[] = sprintf( __( 'A gift with this order: %s', 'loyalty-hub' ), $gift['name'] );
		}
		if ( $quote->certificates > 0 ) {
			$notes[] = Certificates::title() . ': ' . Money::write( $quote->certificates );
		}
		return $notes;
	}

	/**
	 * Typed codes and what became of them.
	 *
	 * @param Checkout   $checkout The way of the cart.
	 * @param Quote|null $quote    The answer.
	 * @return array[] Each with code and text.
	 */
	private static function codes( Checkout $checkout, ?Quote $quote ): array {
		$told = array();
		foreach ( null === $quote ? array() : $quote->codes() as $one ) {
			$told[ (string) ( $one['code'] ?? '' ) ] = 'applied' === ( $one['status'] ?? '' )
				? __( 'used', 'loyalty-hub' )
				: (string) ( $one['text'] ?? __( 'not taken', 'loyalty-hub' ) );
		}
		$codes = array();
		foreach ( array( ...$checkout->codes(), ...$checkout->certificates() ) as $code ) {
			$codes[] = array(
				'code' => $code,
				'text' => $code . ': ' . ( $told[ $code ] ?? __( 'not taken', 'loyalty-hub' ) ),
			);
		}
		return $codes;
	}
}
