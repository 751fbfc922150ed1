<?php
/**
 * The coupons that the hub's answer becomes: their type, their place, their words.
 *
 * @package LoyaltyHub
 */

namespace LoyaltyHub;

use LoyaltyHub\Core\Allotment;

/**
 * What they take off is said by `Cart`.
 */
final class Coupons {

	public const TYPE  = 'loyalty_hub';
	public const CODES = array( Allotment::DISCOUNT, Allotment::POINTS );

	/**
	 * Listens.
	 */
	public function listen(): void {
		add_filter( 'woocommerce_coupon_discount_types', array( $this, 'name_type' ) );
		add_filter( 'woocommerce_cart_coupon_types', array( $this, 'add_type' ) );
		add_filter( 'woocommerce_coupon_sort', array( $this, 'sort' ), 10, 2 );
		add_filter( 'woocommerce_apply_individual_use_coupon', array( $this, 'keep' ), 10, 3 );
		add_filter( 'woocommerce_cart_totals_coupon_label', array( $this, 'label' ), 10, 2 );
		add_filter( 'woocommerce_cart_totals_coupon_html', array( $this, 'row' ), 10, 3 );
	}

	/**
	 * Names our type of coupon.
	 *
	 * @param array $types Labels by type.
	 * @return array
	 */
	public function name_type( $types ) {
		return $types + array( self::TYPE => __( 'Discount of the loyalty hub', 'loyalty-hub' ) );
	}

	/**
	 * Our type is for the cart, so that no product is asked whether it is valid for it.
	 *
	 * @param array $types Types for the cart.
	 * @return array
	 */
	public function add_type( $types ) {
		$types[] = self::TYPE;
		return $types;
	}

	/**
	 * After the coupons of the shop, since the hub was told what they leave; points last.
	 *
	 * @param int        $sort   Place.
	 * @param \WC_Coupon $coupon The coupon.
	 * @return int
	 */
	public function sort( $sort, $coupon ) {
		$place = array_search( $coupon->get_code(), self::CODES, true );
		return false === $place ? $sort : 1000 + $place;
	}

	/**
	 * A coupon of the shop that suffers no other beside it still suffers ours.
	 *
	 * @param array $keep    Codes to be kept.
	 * @param mixed $coupon  The one that is applied.
	 * @param array $applied Codes that are applied.
	 * @return array
	 */
	public function keep( $keep, $coupon, $applied ) {
		return array_merge( $keep, array_intersect( self::CODES, $applied ) );
	}

	/**
	 * What people read instead of the code.
	 *
	 * @param string     $label  With the code.
	 * @param \WC_Coupon $coupon The coupon.
	 * @return string
	 */
	public function label( $label, $coupon ) {
		return self::title( $coupon->get_code() ) ?? $label;
	}

	/**
	 * The words for a coupon of ours.
	 *
	 * @param string $code Of the coupon.
	 * @return string|null Null for any other.
	 */
	public static function title( string $code ): ?string {
		if ( Allotment::POINTS === $code ) {
			return esc_html__( 'Paid with points', 'loyalty-hub' );
		}
		return Allotment::DISCOUNT === $code ? esc_html__( 'Discount', 'loyalty-hub' ) : null;
	}

	/**
	 * A discount has no link that removes it: it would come again.
	 *
	 * @param string     $html   With the link.
	 * @param \WC_Coupon $coupon The coupon.
	 * @param string     $amount Without it.
	 * @return string
	 */
	public function row( $html, $coupon, $amount ) {
		return Allotment::DISCOUNT === $coupon->get_code() ? $amount : $html;
	}
}
