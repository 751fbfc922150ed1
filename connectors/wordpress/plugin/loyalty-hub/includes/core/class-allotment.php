<?php
/**
 * The hub's answer as discounts of virtual coupons, line by line.
 *
 * @package LoyaltyHub
 */

namespace LoyaltyHub\Core;

/**
 * WooCommerce takes a coupon off the price as the shop keeps it: with tax or without.
 *
 * With tax, kopecks of the answer are kopecks off the price.  Without tax, the price is looked for
 * whose sum with its rounded tax is the payable.  Not every sum is one: with 20 % no price makes
 * 0.03.  Then the nearest sum below is taken, so that a buyer never pays more than was told.
 */
final class Allotment {

	public const POINTS   = 'loyalty-points';
	public const DISCOUNT = 'loyalty-tier';

	/**
	 * Kopecks off each line, in the prices that the shop keeps.
	 *
	 * @var array<string, array<string, int>> By coupon and line; coupons that take nothing off are left out.
	 */
	public array $coupons = array();

	/**
	 * Kopecks off each line with tax, as they come out: by discount and by points.
	 *
	 * @var array<string, array{discount: int, spend: int}>
	 */
	public array $told = array();

	/**
	 * Allots the answer.
	 *
	 * @param Quote         $quote  The answer.
	 * @param Basket        $basket What was asked.
	 * @param callable|null $tax    fn( string $line, int $net ): int, the rounded tax; null: prices hold tax.
	 */
	public function __construct( Quote $quote, Basket $basket, ?callable $tax = null ) {
		foreach ( $quote->lines as $id => $sums ) {
			$line = $basket->lines[ $id ];
			if ( 'goods' !== $line->kind || $sums['payable'] === $line->amount ) {
				continue;
			}
			$this->allot( $line, $sums, $tax );
		}
	}

	/**
	 * What a coupon takes off in all.
	 *
	 * @param string $coupon One of the constants.
	 * @return int Kopecks, in the prices that the shop keeps.
	 */
	public function sum( string $coupon ): int {
		return array_sum( $this->coupons[ $coupon ] ?? array() );
	}

	/**
	 * One line.
	 *
	 * @param Line          $line What was asked.
	 * @param array         $sums What was answered.
	 * @param callable|null $tax  As above.
	 */
	private function allot( Line $line, array $sums, ?callable $tax ): void {
		if ( null === $tax || null === $line->net ) {
			$this->put( self::DISCOUNT, $line->id, $sums['discount'] );
			$this->put( self::POINTS, $line->id, $sums['spend'] );
			$this->told[ $line->id ] = array(
				'discount' => $sums['discount'],
				'spend'    => $sums['spend'],
			);
			return;
		}
		$with_tax = fn( int $net ): int => $net + $tax( $line->id, $net );
		$reached  = self::net_for( $line, $line->amount - $sums['discount'], $with_tax );
		$left     = self::net_for( $line, $sums['payable'], $with_tax );
		$this->put( self::DISCOUNT, $line->id, $line->net - $reached );
		$this->put( self::POINTS, $line->id, $reached - $left );
		$this->told[ $line->id ] = array(
			'discount' => $line->amount - $sums['spend'] - $with_tax( $left ),
			'spend'    => $sums['spend'],
		);
	}

	/**
	 * The largest price without tax that with tax is no more than a sum.
	 *
	 * @param Line     $line     Whose price it is.
	 * @param int      $sum      Kopecks with tax.
	 * @param callable $with_tax fn( int $net ): int.
	 * @return int Kopecks without tax.
	 */
	private static function net_for( Line $line, int $sum, callable $with_tax ): int {
		$low  = 0;
		$high = $line->net;
		if ( $with_tax( $high ) <= $sum ) {
			return $high;
		}
		while ( $high - $low > 1 ) {
			$middle = intdiv( $low + $high, 2 );
			if ( $with_tax( $middle ) <= $sum ) {
				$low = $middle;
			} else {
				$high = $middle;
			}
		}
		return $low;
	}

	/**
	 * Notes a part that is something.
	 *
	 * @param string $coupon Code.
	 * @param string $line   Id.
	 * @param int    $off    Kopecks.
	 */
	private function put( string $coupon, string $line, int $off ): void {
		if ( $off > 0 ) {
			$this->coupons[ $coupon ][ $line ] = $off;
		}
	}
}
