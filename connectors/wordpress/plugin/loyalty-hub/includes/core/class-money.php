<?php
/**
 * Money: whole kopecks inside, decimal strings on the wire.
 *
 * @package LoyaltyHub
 */

namespace LoyaltyHub\Core;

/**
 * Nothing here knows WordPress.
 */
final class Money {

	/**
	 * Kopecks (or hundredths of a point) of a decimal that the hub wrote.
	 *
	 * @param mixed $text As "1350.00", or a whole number.
	 * @return int
	 * @throws \UnexpectedValueException Anything else.
	 */
	public static function read( $text ): int {
		if ( is_int( $text ) ) {
			$text = (string) $text;
		}
		if ( ! is_string( $text ) || ! preg_match( '/^(-?)([0-9]{1,13})(?:\.([0-9]{1,2}))?$/D', $text, $found ) ) {
			throw new \UnexpectedValueException( 'Not a decimal with at most two digits.' );
		}
		$minor = (int) $found[2] * 100 + (int) str_pad( $found[3] ?? '', 2, '0' );
		return '-' === $found[1] ? -$minor : $minor;
	}

	/**
	 * The decimal for the wire.
	 *
	 * @param int $minor Kopecks, or hundredths of a point.
	 * @return string
	 */
	public static function write( int $minor ): string {
		$size = abs( $minor );
		return ( $minor < 0 ? '-' : '' ) . intdiv( $size, 100 ) . '.' . str_pad( (string) ( $size % 100 ), 2, '0', STR_PAD_LEFT );
	}

	/**
	 * Kopecks of a sum as WooCommerce keeps it, in roubles, rounded half up.
	 *
	 * @param float|string $amount May be unrounded.
	 * @return int
	 */
	public static function of_shop( $amount ): int {
		return (int) round( (float) $amount * 100 );
	}
}
